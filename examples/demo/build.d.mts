/** Bundles the page into `directory`. `alias`: other places for packages, as esbuild takes them. */
export function buildPage(directory: string, alias?: Readonly<Record<string, string>>): Promise<void>
