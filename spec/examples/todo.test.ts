import t from 'tap'
import { tempDir } from '../helpers/temp-dir.js'
import { runExample } from './run-example.js'

t.test('the to-do list keeps what one process after another puts into it', async t => {
  const folder = tempDir(t)
  t.equal(await runExample(folder, 'todo'), '')
  t.equal(await runExample(folder, 'todo', 'todo.db', 'add', 'write the spec'), '1. [ ] write the spec\n')
  await runExample(folder, 'todo', 'todo.db', 'add', 'test it')
  const list = '1. [ ] write the spec\n2. [x] test it\n'
  t.equal(await runExample(folder, 'todo', 'todo.db', 'done', '2'), list)
  t.equal(await runExample(folder, 'todo'), list)
})

t.test('two processes that add at the same time both succeed', async t => {
  const folder = tempDir(t)
  const add = (title: string): Promise<string> => runExample(folder, 'todo', 'todo.db', 'add', title)
  await Promise.all([add('this'), add('that')])
  const list = await runExample(folder, 'todo')
  t.match(list, /\[ \] this$/m)
  t.match(list, /\[ \] that$/m)
})
