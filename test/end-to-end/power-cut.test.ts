import { expect } from 'vitest'
import { cutPower } from '../support/power-cut/power-cuts.ts'
import { missingForRecordedDisk } from '../support/power-cut/recorded-disk.ts'
import { itRequiring } from '../support/requirement.ts'

itRequiring(missingForRecordedDisk())(
  'a power cut under a relay loses nothing that was acknowledged, and tears no log',
  async () => {
    const report = await cutPower({ images: 8, loadMs: 1_500, seed: 1 })
    process.stdout.write(`${JSON.stringify(report)}\n`)
    expect(report).toMatchObject({ images: 8, entriesLost: 0, broken: [] })
    expect(report.acknowledged).toBeGreaterThan(50)
    expect(report.entriesExpected).toBeGreaterThan(100)
    expect(report.imagesLackingSectors).toBeGreaterThan(0)
  },
  90_000,
)
