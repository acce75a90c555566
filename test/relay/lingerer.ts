// A device that lingers, for tests of the relay's session.
import { type CoreConnection, type CoreUnderTest, settled } from './core.ts'
import { END, hello, open, payloadOf, push } from './device.ts'

export const WRITE = 'alice/*:write'
export const NOVEL = 'alice/novel'

/** A device that lingers on the novel. */
export async function lingerer(
  relay: CoreUnderTest,
  fields: Parameters<typeof hello>[1] = {},
): Promise<CoreConnection> {
  const device = relay.connect()
  await device.round([hello(WRITE, fields), open(1, NOVEL, { linger: true }), END])
  return device
}

/** Frames that come while `happens` does. */
export async function during(device: CoreConnection, happens: () => unknown): Promise<CoreConnection['frames']> {
  const before = device.frames.length
  await happens()
  // What is told in another turn has its effects, too.
  for (let turns = 0; turns < 3; turns++) await settled()
  return device.frames.slice(before)
}

export async function pushed(relay: CoreUnderTest, text: string): Promise<void> {
  await relay.burst([hello(WRITE), open(1, NOVEL, { pull: false }), push(1, payloadOf(text)), END])
}
