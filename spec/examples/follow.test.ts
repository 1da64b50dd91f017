import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { open, type Connection } from '../../lib/index.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

interface Followed {
  readonly db: Connection<{ todos: string[] }>
  readonly before: number
  readonly follower: ChildProcess
  readonly lines: Interface
}

/** Up to so many commits later. */
function follow(t: Test, commits: number): Followed {
  const folder = tempDir(t)
  const db = open(join(folder, 'todo.db'), { root: { todos: [] as string[] } })
  t.teardown(() => db.close())
  const before = db.tid
  const script = fileURLToPath(new URL('../../examples/follow.js', import.meta.url))
  const follower = spawn(...plainNode(script, 'todo.db', `${before + commits}`), { cwd: folder })
  t.teardown(() => follower.kill('SIGKILL'))
  return { db, before, follower, lines: createInterface({ input: follower.stdout }) }
}

t.test('the follower prints what others commit, as they do', async t => {
  const { db, before, lines } = follow(t, 3)
  let commits = 0
  for await (const line of lines) {
    if (line.startsWith(`commit ${before + commits} wrote`)) {
      t.equal(line, `commit ${before + commits} wrote { root: 1 } number ${commits}`)
      continue
    }
    t.match(line, new RegExp(`^commit ${before + commits}: .*todos: \\[.*${commits ? `number ${commits}` : ''}`))
    if (commits === 3) break
    commits++
    db.transact(root => root.todos.push(`number ${commits}`), { note: `number ${commits}` })
  }
  t.equal(commits, 3)
})

t.test('and says so where a pack was faster', async t => {
  const { db, before, follower, lines } = follow(t, 3)
  const met: string[] = []
  for await (const line of lines) {
    met.push(line)
    if (met.length > 1) continue
    follower.kill('SIGSTOP')
    for (const text of ['packed', 'packed, too']) db.transact(root => root.todos.push(text))
    await db.pack()
    db.transact(root => root.todos.push('not packed'))
    follower.kill('SIGCONT')
  }
  const [packed, wrote, last] = met.slice(-3)
  t.match(packed, new RegExp(`^commits from \\d+ to ${before + 2} were packed before they were seen$`))
  t.match(wrote, `commit ${before + 3} wrote`)
  t.match(last, new RegExp(`^commit ${before + 3}: .*not packed`))
})
