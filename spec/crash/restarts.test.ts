// A store over several boots of a machine, each of which ends with a power cut: that refuses nothing, and what a later boot has gone on from, or
// an index file covers, is never cut off for damage that comes afterwards.
import t from 'tap'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { initialDraft, put, record } from '../helpers/drafts.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { SimulatedDisk } from './simulated-disk.js'
import { PATH } from './workload.js'

const INDEX = `${PATH}.index`
const SAVED = '/data/saved.db'
const BOOTS = 5
const VARIANTS = 10
const soak = process.env.PERDURE_SOAK !== undefined
t.setTimeout(soak ? 0 : 120_000)

interface History {
  readonly bytes: Buffer
  readonly index: Buffer | undefined
  readonly boot: number
  /** Nothing before that may ever be cut off. */
  readonly proved: number
  /** The same as long as the index file is there. */
  readonly indexed: number
}

/** Commits of all sizes, some synced, some of those indexed; gives the state that an index file covers. */
function work(store: Store, draw: Random, mustEndIndexed: boolean): number {
  let indexed = 0
  for (let n = draw.int(6); n > 0; n--) {
    put(store, record(1, 'x'.repeat(draw.pick([1, 50, 300, 1000, 3000]))))
    if (draw.chance(0.6)) continue
    store.makeDurable(store.latest())
    if (draw.chance(0.6)) indexed = save(store)
  }
  if (!mustEndIndexed) return indexed
  store.makeDurable(store.latest())
  return save(store)
}

function save(store: Store): number {
  const { log, identity } = store.current
  log.save(identity.mode)
  return store.latest().offset
}

/** Throws if a power cut, which is all that ever happens, is called damage. */
function makeHistory(draw: Random, endsIndexed: boolean): History {
  let machine = new SimulatedDisk(draw.int(2 ** 32))
  let proved = 0
  let begin = Infinity
  for (let boot = 1; ; boot++) {
    const { disk } = machine.process()
    if (draw.chance(0.3) && machine.contentOf(INDEX) !== undefined) disk.unlink(INDEX)
    const store = Store.open(disk, PATH, {}, initialDraft)
    const { offset } = store.latest()
    if (offset < proved) throw new Error(`boot ${boot} begins at ${offset}, and ${proved} was on disk`)
    if (offset > begin) proved = begin // a commit of the boot before is there
    begin = offset
    const indexed = work(store, draw, endsIndexed && boot === BOOTS)
    if (boot === BOOTS) {
      if (store.latest().offset > begin) proved = begin
      return { bytes: machine.contentOf(PATH)!, index: machine.contentOf(INDEX), boot, proved, indexed }
    }
    machine = SimulatedDisk.startedAgain(draw.pick([...machine.photograph().variants(VARIANTS, draw)]))
  }
}

/** Bytes changed before `below`; none of them is cut off. */
function damageIsRefused({ bytes, boot }: History, below: number, index: Buffer | undefined, draw: Random): void {
  const damaged = Buffer.from(bytes)
  const at = 4096 + draw.int(below - 4096)
  damaged.set(draw.bytes(draw.pick([1, 20, 512])).subarray(0, below - at), at)
  if (damaged.equals(bytes)) return
  const disk = MemoryDisk.with(index === undefined ? { [PATH]: damaged } : { [PATH]: damaged, [INDEX]: index })
  disk.boot = boot + 1
  const { torn } = recover(disk, PATH, SAVED)
  if (torn !== undefined && torn.offset < below) throw new Error(`a salvage ends at ${torn.offset}, before ${below}`)
  try {
    const store = Store.open(disk, PATH)
    const { offset } = store.latest()
    put(store, record(1, 'and on'))
    store.close()
    if (offset < below) throw new Error(`${offset} was all that was left, and ${below} on disk (${at})`)
  } catch (error) {
    if ((error as { code?: string }).code !== 'CORRUPT_LOG') throw error
  }
}

t.test('commits of earlier boots are refused when they are damaged, and power cuts never are', t => {
  const draw = seeded(t)
  let damages = 0
  let indexes = 0
  for (let run = 0; run < (soak ? 5000 : 40); run++) {
    const history = makeHistory(draw, draw.chance(0.5))
    const { proved, index, indexed } = history
    for (let n = 0; n < 10 && proved > 4096; n++, damages++) damageIsRefused(history, proved, undefined, draw)
    if (index === undefined) continue
    for (let n = 0; n < 10 && indexed > 4096; n++, indexes++) damageIsRefused(history, indexed, index, draw)
  }
  t.comment({ damages, indexes })
  t.ok(damages > 100)
  t.ok(indexes > 100)
  t.end()
})
