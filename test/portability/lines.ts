// What program.ts says where all is well.
const SAID_OF_EACH = (id: string): readonly string[] => [
  `${id} pushed: true on-relay`,
  `${id} pulled: Ishmael 🐋`,
  `${id} restarted: Ishmael 🐋`,
  `${id} merged: Call me Ishmael 🐋`,
]

export const LINES: readonly string[] = [...SAID_OF_EACH('alice/plain'), ...SAID_OF_EACH('alice/sealed'), 'done']
