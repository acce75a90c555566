// The mutation check of claims and repairs: without what keeps them to their causes, the simulation notices.
import {
  causesForgotten,
  causesNeverKnown,
  claimGenerationIgnored,
  fingerprintsIgnored,
  profilesIgnored,
} from '../simulation/sabotages/claims.ts'
import { claimFromBeforeRepair, oneCause } from '../simulation/sabotages/directed.ts'
import { claiming, littered } from '../simulation/sabotages/mixes.ts'
import { isNoticedByScripts, isNoticedBySeeds } from '../simulation/sabotages/noticing.ts'

isNoticedBySeeds([
  ['claims of other profiles are compared', profilesIgnored, claiming],
  ['causes are known to nobody', causesNeverKnown, littered],
])

isNoticedByScripts([
  ['a claim from before a repair is compared', claimGenerationIgnored, claimFromBeforeRepair],
  ['a device reports a cause again and again', causesForgotten, oneCause],
  ['a relay repairs a cause again and again', fingerprintsIgnored, oneCause],
])
