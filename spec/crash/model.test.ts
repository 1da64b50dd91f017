import t from 'tap'
import { explore } from './explore.js'
import type { Bounds } from './model-state.js'
import type { Omissions } from './model-steps.js'

const soak = process.env.PERDURE_SOAK !== undefined
t.setTimeout(soak ? 0 : 120_000)

const none: Bounds = { writers: 0, commits: 1, packers: 0, sweepers: 0, readers: 0, kills: 0, durably: false }

const everyday: readonly Partial<Bounds>[] = [
  { writers: 2, packers: 2, kills: 1, durably: true },
  { writers: 2, packers: 2, readers: 1 },
  { writers: 1, packers: 2, readers: 1, kills: 1 },
  { writers: 2, commits: 2, packers: 1, kills: 2 },
  { writers: 1, packers: 1, sweepers: 1, kills: 1, durably: true },
  { packers: 2, sweepers: 1, kills: 1 },
]
const large: readonly Partial<Bounds>[] = [
  { writers: 2, commits: 2, packers: 2, kills: 1 },
  { writers: 2, packers: 2, readers: 1, kills: 1 },
  { writers: 2, packers: 2, kills: 2, durably: true },
  { writers: 1, packers: 2, sweepers: 1, readers: 1, kills: 1 },
]

for (const bounds of soak ? [...everyday, ...large] : everyday) {
  t.test(`whoever does what and dies when: ${describe(bounds)}`, async t => {
    const { states, complete, broken } = explore({ ...none, ...bounds })
    t.ok(complete, `all ${states} states`)
    t.strictSame([...broken], [], 'no invariant is broken')
  })
}

const controls: readonly { omit: keyof Omissions; words: string; bounds: Partial<Bounds>; broken: string }[] = [
  {
    omit: 'packerTrustsItsSource',
    words: 'a packer that does not look whether its source is superseded',
    bounds: { writers: 1, packers: 2 },
    broken: 'an acknowledged commit is not in the file at the path',
  },
  {
    omit: 'writerDoesNotTail',
    words: 'a writer that does not read the tail when it has got the lock',
    bounds: { writers: 2, packers: 1 },
    broken: 'a commit is validated without having seen an acknowledged one',
  },
  {
    omit: 'writerKeepsOldLock',
    words: 'a writer that goes over to the next file with the lock of the old one',
    bounds: { writers: 1, packers: 2 },
    broken: 'two processes write to one file',
  },
  {
    omit: 'readerPassesSuperseded',
    words: 'a reader that moves past a superseded frame',
    bounds: { writers: 1, packers: 1, readers: 1 },
    broken: 'a reader never sees an acknowledged commit',
  },
  {
    omit: 'tornFrameStays',
    words: 'a writer that appends behind what a killed one has left',
    bounds: { writers: 2, kills: 1 },
    broken: 'something is appended behind an incomplete frame',
  },
  {
    omit: 'supersededIsFinal',
    words: 'a writer that believes the superseded frame of a dead packer',
    bounds: { writers: 1, packers: 1, kills: 1 },
    broken: 'somebody is stuck',
  },
  {
    omit: 'renamedUnsynced',
    words: 'a packer that renames a file that is not on disk',
    bounds: { packers: 1 },
    broken: 'a power cut could leave a file that is not whole',
  },
  {
    omit: 'directoryUnsynced',
    words: 'a writer that does not sync the directory of a new file',
    bounds: { writers: 1, packers: 1, kills: 1, durably: true },
    broken: 'a power cut could take a durable commit',
  },
  {
    omit: 'sweepsBlindly',
    words: 'somebody who removes temporary files without trying their lock',
    bounds: { packers: 1, sweepers: 1 },
    broken: 'a file is removed that a living packer needs',
  },
]

for (const { omit, words, bounds, broken } of controls) {
  t.test(`the model notices ${words}`, async t => {
    const found = explore({ ...none, ...bounds }, { [omit]: true }, Infinity, true)
    t.comment((found.broken.get(broken) ?? []).join('\n'))
    t.ok(found.broken.has(broken), `${broken} (${[...found.broken.keys()].join(', ')})`)
    t.strictSame([...explore({ ...none, ...bounds }).broken], [], 'and finds nothing in the whole one')
  })
}

function describe({
  writers = 0,
  commits = 1,
  packers = 0,
  sweepers = 0,
  readers = 0,
  kills = 0,
  durably,
}: Partial<Bounds>): string {
  const parts = [
    [writers, durably === true ? 'writers of durable commits' : 'writers'],
    [commits > 1 ? commits : 0, 'commits of each'],
    [packers, 'packers'],
    [sweepers, 'removers of strays'],
    [readers, 'readers'],
    [kills, 'kills'],
  ] as const
  return parts
    .flatMap(([count, what]) => (count > 0 ? [`${count} ${count === 1 ? what.replace(/s\b/, '') : what}`] : []))
    .join(', ')
}
