// Who wants to be told, and that one listener's failure is not the others'.
import { reportUncaught } from './uncaught.ts'

export class Listeners<Value> {
  readonly #listeners = new Set<(value: Value) => void>()

  add(listener: (value: Value) => void): () => void {
    // A wrapper of its own, so that the same function subscribed twice is called twice and removed once.
    const own = (value: Value): void => listener(value)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  call(value: Value): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value)
      } catch (error) {
        reportUncaught(error)
      }
    }
  }
}
