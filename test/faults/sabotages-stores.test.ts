// The mutation check of the stores: one that breaks at a crash is noticed by the simulation.
import { isNoticedBySeeds } from '../simulation/sabotages/noticing.ts'
import { crashingOn, headsFirst, rowsUnflushed } from '../simulation/sabotages/stores.ts'

isNoticedBySeeds([
  ['the journal of a file store names rows that are not flushed', rowsUnflushed, crashingOn('files')],
  ['a key-value store names segments before they are stored', headsFirst, crashingOn('short strings')],
])
