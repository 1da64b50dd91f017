import { existsSync } from 'node:fs'
import t from 'tap'
import { bank, commitOffsets, damage, openBank, perdure, printed, printedJson } from './cli-tool.js'

// Each of many runs of the tool is a process, and the machine may be busy.
t.setTimeout(120_000)

t.test('dump --until gives the state after a commit, the same as it was then', async t => {
  const path = bank(t)
  const states = [await printed(t, 'dump', path)]
  const isIndexed = (): boolean => existsSync(`${path}.index`)
  // The last ones are read with the help of an index file, which knows later ones.
  for (const length of [10, 1 << 19, 10, 2 << 20]) {
    t.notOk(isIndexed())
    const db = openBank(path)
    db.transact(
      bank => {
        bank.values = 'x'.repeat(length)
        bank.accounts.set(length, [length])
        bank.queue.push(length)
      },
      { id: `${states.length}` },
    )
    db.close()
    states.push(await printed(t, 'dump', path))
  }
  t.ok(isIndexed())
  for (const [n, state] of states.entries()) t.equal(await printed(t, 'dump', path, '--until', `${4 + n}`), state)
  const [text, copy] = [`${path}.jsonl`, `${path}.copy`]
  t.match(await printed(t, 'dump', path, '--until', '5', '-o', text), /, as of commit 5\n$/)
  await printed(t, 'load', text, '-o', copy)
  t.equal(await printed(t, 'dump', copy), states[1])
})

t.test('of a commit that is not there, or that the damage took, dump --until gives nothing', async t => {
  const path = bank(t)
  t.match(await perdure('dump', path, '--until', '5'), {
    code: 1,
    stdout: '',
    stderr: /no commit 5; the last one is 4\n$/,
  })
  for (const none of ['0', '-1', 'x']) t.match(await perdure('dump', path, '--until', none), { code: 2, stdout: '' })
  const third = await printed(t, 'dump', path, '--until', '3')
  damage(path, ((await commitOffsets(t, path)).get(4) as number) + 80)
  t.match(await perdure('dump', path, '--until', '4'), { code: 1, stdout: '', stderr: /perdure verify/ })
  t.equal(await printed(t, 'dump', path, '--until', '3'), third, 'what stands before it is sound')
})

t.test('inspect --until shows the store, and one object, as they were after a commit', async t => {
  const path = bank(t)
  const before = await printedJson(t, 'inspect', path)
  const offsets = await commitOffsets(t, path)
  t.match(await printedJson(t, 'inspect', path, '--until', '2'), {
    commits: 2,
    bytes: offsets.get(3),
    objects: 7,
    unreachable: 0,
    types: [{ type: 'Account', objects: 3 }],
  })
  t.match(await printed(t, 'inspect', path, '/accounts/ada', '--until', '2'), /tags +\[\]\n/)
  t.match(await perdure('inspect', path, '/accounts/ada', '--until', '1'), {
    code: 1,
    stdout: '',
    stderr: /has no ada/,
  })
  t.same(await printedJson(t, 'inspect', path, '--until', '4'), before)
  t.match(await perdure('inspect', path, '--until', '5'), { code: 1, stderr: /no commit 5; the last one is 4\n$/ })
  await printed(t, 'pack', path)
  t.match(await perdure('inspect', path, '--until', '3'), {
    code: 1,
    stderr: /a pack has kept only 4 and later\. .*\n$/,
  })
  t.match(await perdure('dump', path, '--until', '3'), { code: 1, stdout: '', stderr: /a pack has kept only 4/ })
})
