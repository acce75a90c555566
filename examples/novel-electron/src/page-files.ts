// Answers the page's requests with the files of one directory, and none beside it.
import { join, normalize, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/** `fetchFile`: gets a `file:` URL, with the content type that its name says. */
export function pageFiles(
  directory: string,
  fetchFile: (url: string) => Promise<Response>,
): (request: { readonly url: string }) => Promise<Response> {
  return async ({ url }) => {
    // Normalised from the root on, no .. is left, and no \.. on Windows.
    const path = normalize(`${sep}${decodeURIComponent(new URL(url).pathname)}`)
    return fetchFile(pathToFileURL(join(directory, path)).href)
  }
}
