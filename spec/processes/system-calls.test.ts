// What a real process asks of the system. Skipped where strace is not installed or may not trace.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

const program = fileURLToPath(new URL('./thousand-commits.js', import.meta.url))
const traceable = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

t.test(
  'an uncontended commit makes six system calls, and one more where its transaction begins',
  { skip: traceable ? false : 'strace is not here, or may not trace' },
  async t => {
    const dir = tempDir(t)
    const trace = join(dir, 'trace')
    const [command, args] = plainNode(program, join(dir, 'app.db'))
    // All that has to do with files, in the main thread: what the others do is Node's own business, as is its memory.
    const { status, stderr } = spawnSync('strace', ['-e', 'trace=%file,%desc', '-o', trace, command, ...args], {
      encoding: 'utf8',
    })
    t.equal(status, 0, stderr)
    const names = [...readFileSync(trace, 'utf8').matchAll(/^(\w+)\(/gm)].map(([, name = '']) => name)
    const marks = names.flatMap((name, n) => (name === 'utimensat' ? [n] : []))
    t.equal(marks.length, 2)
    const calls = names.slice((marks[0] ?? 0) + 1, marks[1]).filter(name => name !== 'mmap')
    const each = ['lseek', 'flock', 'flock', 'lseek', 'write', 'flock', 'flock']
    t.equal(calls.length, 7 * 1000)
    const others = calls.filter((name, n) => name !== each[n % 7])
    t.same(others, [])
  },
)
