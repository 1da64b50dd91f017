import { ascending, fill } from '../people.js'
import { person, shuffled, type Person } from '../person.js'
import { PER_SECOND, perSecond, type Workload } from '../workload.js'

function* everybody(count: number): Generator<Person> {
  for (let id = 0; id < count; id++) yield person(id)
}

export const build: Workload = {
  id: 'B4',
  title: 'objects put in, in transactions of a thousand',
  figures: { objects: PER_SECOND },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'lmdb+structures', 'sqlite', 'level', 'floor'],
  cases: ['ascending', 'random', 'bulk'],
  grows: true,
  begins: 'empty',
  async measure(context) {
    const { size } = context
    const store = await context.open()
    if (context.case === 'bulk' && store.load === undefined) {
      await store.close()
      return {}
    }
    const ids = context.case === 'random' ? shuffled(size) : ascending(size)
    const started = performance.now()
    if (context.case === 'bulk') await store.load?.(everybody(size))
    else await fill(store, ids)
    const objects = perSecond(size, started)
    await store.close()
    return { objects }
  },
}
