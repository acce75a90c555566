// The two relays of the demo, and where they are. Both are on the server that brought the page.

export interface DemoRelay {
  readonly name: 'first' | 'second'
  readonly url: string
}

const origin = location.origin.replace(/^http/, 'ws')

export const RELAYS: readonly DemoRelay[] = [
  { name: 'first', url: origin },
  { name: 'second', url: `${origin}/second` },
]
