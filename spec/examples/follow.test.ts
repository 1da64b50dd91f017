import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { open } from '../../lib/index.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

t.test('the follower prints what others commit, as they do', async t => {
  const folder = tempDir(t)
  const db = open(join(folder, 'todo.db'), { root: { todos: [] as string[] } })
  t.teardown(() => db.close())
  const before = db.tid

  const script = fileURLToPath(new URL('../../examples/follow.js', import.meta.url))
  const follower = spawn(...plainNode(script, 'todo.db', `${before + 3}`), { cwd: folder })
  t.teardown(() => follower.kill('SIGKILL'))
  let commits = 0
  for await (const line of createInterface({ input: follower.stdout })) {
    t.match(line, new RegExp(`^commit ${before + commits}: .*todos: \\[.*${commits ? `number ${commits}` : ''}`))
    if (commits === 3) break
    commits++
    db.transact(root => root.todos.push(`number ${commits}`))
  }
  t.equal(commits, 3)
})
