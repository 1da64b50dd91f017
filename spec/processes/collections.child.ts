// A process that works on collections which others use at the same time.
import { open } from 'perdure'
import { serve } from '../helpers/serve.js'
import { Hall } from './hall.js'

const [path = '', name = ''] = process.argv.slice(2)
const db = open(path, { root: Hall, durability: 'os' })

const methods = {
  /** Inserts keys of its own, pushes, counts, and takes what it finds; gives what it took and how often it ran again. */
  work(rounds: number): { taken: string[]; runs: number } {
    const taken: string[] = []
    let runs = 0
    for (let n = 0; n < rounds; n++) {
      db.transact(hall => {
        runs++
        hall.names.set(`${n} of ${name}`, { n })
        hall.lines.push(`line ${n} of ${name}`)
        if (n % 2 === 0) hall.lines.unshift(`first line ${n} of ${name}`)
        hall.jobs.push(`job ${n} of ${name}`)
        hall.done.add(1)
      })
      if (n % 3 !== 0) continue
      const job = db.transact(hall => hall.jobs.shift())
      if (job !== undefined) taken.push(job)
    }
    return { taken, runs }
  },
}
export type CollectionsMethods = typeof methods
serve(methods)
