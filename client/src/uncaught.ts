// Where an error of the app's own code goes that was thrown while the SDK called it: to the platform's uncaught ones,
// as from any other event handler, and not into a burst.
export function reportUncaught(error: unknown): void {
  void Promise.reject(error)
}
