// The page's token: fetched once, and anew when the relay refuses it. In an app it comes from your own backend.

const TOKEN_PATH = '/demo/token'

let token: Promise<string> | null = null

/** A page opened elsewhere brings one: `#token=…`, made by `npx --no-install tidemark token --grant 'demo/*:write'`. */
export function pageToken({ refused }: { refused: boolean }): Promise<string> {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given !== null) return Promise.resolve(given)
  if (refused) token = null
  token ??= fetchToken().catch((error: unknown) => {
    token = null
    throw error
  })
  return token
}

async function fetchToken(): Promise<string> {
  const response = await fetch(TOKEN_PATH)
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(text)
  return text
}
