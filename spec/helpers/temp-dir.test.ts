import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tempDir } from './temp-dir.js'

t.test('a test gets an empty folder, which is removed with all that is in it', async t => {
  const dirs: string[] = []
  await t.test('a test with two folders', async t => {
    dirs.push(tempDir(t), tempDir(t))
    for (const dir of dirs) {
      t.same(readdirSync(dir), [])
      writeFileSync(join(dir, 'file'), '')
    }
  })
  t.equal(new Set(dirs).size, 2)
  t.same(dirs.map(existsSync), [false, false])
})

t.test('PERDURE_TEST_DIR says where, and is made if need be', async t => {
  const base = join(tempDir(t), 'deep', 'er')
  const before = process.env.PERDURE_TEST_DIR
  t.teardown(() => {
    if (before === undefined) delete process.env.PERDURE_TEST_DIR
    else process.env.PERDURE_TEST_DIR = before
  })
  process.env.PERDURE_TEST_DIR = base
  t.ok(tempDir(t).startsWith(base))
})
