// One of many processes that use one store at the same time: it counts, writes, packs, or reads one snapshot for long.
import { setImmediate, setTimeout } from 'node:timers/promises'
import { open, PackInterruptedError, type Pause } from 'perdure'
import { serve } from '../helpers/serve.js'
import { crowdOptions, Note, type Crowd } from './crowd.js'

const [path = '', durability = 'os'] = process.argv.slice(2)
const db = open(path, {
  ...crowdOptions,
  durability: durability === 'fsync' ? 'fsync' : 'os',
  lockTimeout: 30_000,
})
let pause: Pause | undefined
let going = true

const methods = {
  /** Adds one to the counter so many times; returns the longest that one of these took, in milliseconds. */
  async count(times: number, async: boolean) {
    let longest = 0
    const increment = (crowd: Crowd): void => void crowd.counter++
    for (let n = 0; n < times; n++) {
      const started = performance.now()
      if (async) await db.transactAsync(increment)
      else db.transact(increment)
      longest = Math.max(longest, performance.now() - started)
    }
    return longest
  },

  /** Writes two notes in one commit and the counter in another, until `stop`, with a pause in between; returns how often. */
  async write(name: string, pause = 0) {
    let n = 0
    for (going = true; going; n++) {
      db.transact(({ notes }) => {
        for (const half of ['a', 'b']) {
          const note = new Note()
          note.text = `${name} ${n + 1}`
          notes.set(`${name} ${half}`, note)
        }
      })
      await db.transactAsync(crowd => void crowd.counter++)
      await (pause > 0 ? setTimeout(pause) : setImmediate())
    }
    return n
  },
  stop: () => void (going = false),

  /** Returns how many were finished by this process before another one did. */
  async packs(times: number) {
    let finished = 0
    for (let n = 0; n < times; n++) {
      try {
        await db.pack()
        finished++
      } catch (error) {
        if (!(error instanceof PackInterruptedError)) throw error
      }
    }
    return finished
  },

  pause: () => void (pause = db.pause()),
  /** The texts of one half of the notes, by writer. */
  read: (half: 'a' | 'b') => [...db.root.notes].filter(([name]) => name.endsWith(half)).map(([, { text }]) => text),
  resume: () => pause?.continue(),
}
export type CrowdMethods = typeof methods

serve(methods)
