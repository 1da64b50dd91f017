import t from 'tap'
import { child } from './child.js'
import type { methods } from './echo.child.js'

const echo = new URL('./echo.child.js', import.meta.url)
type Echo = typeof methods

const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

t.test('a child does what it is asked, keeps its state between calls and returns results', async t => {
  const c = await child<Echo>(t, echo, ['one', 'two'], { env: { PERDURE_EXAMPLE: 'yes' } })
  t.same(await c.call('echo', { a: [1, 'ü\n'] }), { a: [1, 'ü\n'] })
  t.equal(await c.call('echo', undefined), null)
  t.equal(await c.call('later', 'x'), 'x')
  t.equal(await c.call('argument', 1), 'two')
  t.equal(await c.call('variable', 'PERDURE_EXAMPLE'), 'yes')
  await c.call('add', 2)
  t.equal(await c.call('add', 3), 5)
})

t.test('a child is a plain node process, whatever the test runner adds to its own', async t => {
  const c = await child<Echo>(t, echo)
  t.equal(await c.call('variable', 'NODE_OPTIONS'), undefined)
})

t.test('an error over there is thrown here, with name, code and message', async t => {
  const c = await child<Echo>(t, echo)
  await t.rejects(c.call('fail'), { name: 'ClosedError', code: 'CLOSED', message: 'shut' })
  t.equal(await c.call('echo', 1), 1, 'and the child goes on')
})

t.test('what a child prints does not disturb its replies', async t => {
  const c = await child<Echo>(t, echo)
  await c.call('print', 'hello')
  t.equal(await c.call('echo', 1), 1)
})

t.test('a call that a killed child did not answer is rejected, and so is every later one', async t => {
  const c = await child<Echo>(t, echo)
  const hanging = c.call('hang')
  c.kill()
  await t.rejects(hanging, { code: 'CHILD_EXITED' })
  t.same(await c.exited, { code: null, signal: 'SIGKILL' })
  await t.rejects(c.call('echo', 1), { code: 'CHILD_EXITED' })
})

t.test('a child that kills itself is seen to have done so', async t => {
  const c = await child<Echo>(t, echo)
  await t.rejects(c.call('die'), { code: 'CHILD_EXITED' })
  t.match(await c.exited, { signal: 'SIGKILL' })
})

t.test('a script that fails to start rejects with what it wrote to stderr', async t => {
  await t.rejects(child(t, 'no-such-script.js'), { code: 'CHILD_EXITED', message: /Cannot find module/ })
})

t.test('no child outlives its test, not even a stopped one', async t => {
  const pids: number[] = []
  await t.test('a test with two children', async t => {
    const running = await child<Echo>(t, echo)
    const stopped = await child<Echo>(t, echo)
    stopped.kill('SIGSTOP')
    pids.push(running.pid, stopped.pid)
  })
  t.same(pids.map(isGone), [true, true])
})
