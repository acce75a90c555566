// Both ends of the talk between the measurement and its child processes: one question at a time, one answer each.
// Never restarts a child: one that ends or fails fails the measurement.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Starts a module as a process of its own. */
export function startChild(url) {
  const file = fileURLToPath(url)
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let pending = null
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.on('message', ({ error, result }) => {
    const { resolve, reject } = pending
    pending = null
    if (error === undefined) resolve(result)
    else reject(new Error(`${file}: ${error}`))
  })
  child.on('exit', () => pending?.reject(new Error(`${file} ended`)))
  return {
    ask: (name, argument = null) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject }
        child.send({ name, argument })
      }),
    async stop() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/** The child's end: answers by name, until the parent lets go; then `close`. */
export function answer(answers, close = () => {}) {
  const reply = async ({ name, argument }) => {
    try {
      process.send({ result: await answers[name](argument) })
    } catch (error) {
      process.send({ error: error.stack })
    }
  }
  const end = async () => {
    await Promise.resolve(close())
    process.exit()
  }
  process.on('message', (request) => void reply(request))
  process.on('disconnect', () => void end())
}

/** What every server answers: its own processor time so far, in microseconds, all of its threads, user and system. */
export function processorTime() {
  const { user, system } = process.cpuUsage()
  return user + system
}
