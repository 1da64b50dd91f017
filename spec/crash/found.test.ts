// Small cases of what the simulations have found.
import t from 'tap'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { SimulatedDisk } from './simulated-disk.js'

const PATH = '/data/app.db'

t.test('a commit cut short right behind the packed state is no damage', async t => {
  const machine = new SimulatedDisk(1)
  const doomed = machine.process()
  const store = Store.open(doomed.disk, PATH, {}, initialDraft)
  await pack(store)
  machine.shortWrites = 1
  machine.watch = operation =>
    void (operation === 'write' && machine.contentOf(PATH)!.length > store.latest().offset && doomed.kill())
  t.throws(() => put(store, record(1, 'torn')))
  machine.watch = () => undefined
  const reader = Store.open(machine.process().disk, PATH, { readonly: true })
  t.equal(textOf(reader, 1), 'root')
  const next = Store.open(machine.process().disk, PATH)
  put(next, record(1, 'whole'))
  t.equal(textOf(reader, 1), 'whole')
})

t.test('to make an old snapshot durable proves nothing of what came after it', async t => {
  const machine = new SimulatedDisk(1)
  const [one, two] = [machine.process().disk, machine.process().disk]
  const writer = Store.open(one, PATH, {}, initialDraft)
  put(writer, record(1, 'durable'))
  writer.makeDurable(writer.latest())
  put(writer, record(1, 'says that the one before was on disk'))

  const other = Store.open(two, PATH)
  const old = { ...other.latest(), offset: writer.current.reader.syncedTo as never }
  put(writer, record(1, 'newest'))
  const newest = other.latest()
  other.makeDurable(old)
  other.makeDurable(newest)

  const after = SimulatedDisk.startedAgain(machine.photograph().develop(() => 0))
  t.equal(textOf(Store.open(after.process().disk, PATH), 1), 'newest')
})

t.test('who waits for nothing but a pack in the same process can commit as soon as it is there', async t => {
  const store = Store.open(new SimulatedDisk(1).process().disk, PATH, { lockTimeout: 100 }, initialDraft)
  let packed = false
  const packing = pack(store).finally(() => (packed = true))
  let commits = 0
  for (let turn = 0; !packed; turn++) {
    put(store, record(1, `turn ${turn}`))
    commits++
    await Promise.resolve()
  }
  await packing
  t.equal(store.latest().generation.number, 2)
  t.equal(textOf(store, 1), `turn ${commits - 1}`)
})

t.test(
  'a store whose end a power cut has damaged can be packed before anything else, however long that end is',
  async t => {
    const machine = new SimulatedDisk(1)
    const store = Store.open(machine.process().disk, PATH, {}, initialDraft)
    for (let n = 0; n < 5; n++) put(store, record(1, `${n} `.padEnd(100_000)))
    const photograph = machine.photograph()
    const cut = SimulatedDisk.startedAgain(photograph.develop((count, what) => (what === 'sector' ? 0 : count - 1)))
    const after = Store.open(cut.process().disk, PATH)
    await pack(after)
    t.equal(after.latest().generation.number, 2)
    t.equal(textOf(after, 1), 'root')
    t.match(cut.warnings, [/power cut/])
  },
)
