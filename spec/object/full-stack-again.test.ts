// The same for two transacts that fail one behind the other, as where somebody tries again: nothing before may have been undone in this process.
import t from 'tap'
import { join } from 'node:path'
import { open } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

const FRAMES_LEFT = 100

t.test('two transacts that failed because the stack was full have changed nothing, and later ones are stored', t => {
  const path = join(tempDir(t), 'deep.db')
  const db = open(path, { root: { n: 0, last: 0 }, durability: 'os' })
  let fails = false
  let ran = false
  const work = (root: { n: number; last: number }): void => {
    root.last++
    if (!fails) return
    root.n = -1
    throw new Error('undo this')
  }
  const twice = (): void => {
    for (let i = 0; i < 2; i++) {
      try {
        db.transact(work)
      } catch {
        // tried again
      }
    }
  }
  const down = (): number => {
    let left = 0
    try {
      left = down()
    } catch {
      // from here on upwards
    }
    if (left === FRAMES_LEFT && !ran) {
      ran = true
      twice()
    }
    return left + 1
  }
  twice() // so that what does not fail is compiled
  twice()
  fails = true
  down()
  t.ok(ran)
  t.same([db.root.n, db.changed], [0, false])
  db.transact(root => (root.last = 100))
  const other = open(path, { root: { n: 0, last: 0 }, readonly: true })
  t.same([other.root.n, other.root.last], [0, 100])
  other.close()
  db.close()
  t.end()
})
