import { join } from 'node:path'
import t from 'tap'
import { oidOf, open, Persistent, PersistentMap } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

class Diary extends Persistent {
  static type = 'Diary'
  lines: string[] = []
  pages: Record<string, string> = {}
  scan = new Uint8Array(0)
  map = new PersistentMap<number, unknown>()
}

t.test('an object whose record grows large by plain data is named once, with what to use instead', async t => {
  const warnings: string[] = []
  const listen = ({ name, message }: Error): void => {
    if (name === 'PerdureWarning') warnings.push(message)
  }
  process.on('warning', listen)
  const db = open(join(tempDir(t), 'diary.db'), { root: Diary, durability: 'os' })
  const said = async (change: () => void): Promise<string[]> => {
    change()
    db.commit()
    await new Promise(resolve => setImmediate(resolve))
    return warnings.splice(0)
  }
  const { root } = db
  t.same(await said(() => (root.scan = new Uint8Array(100_000))), [], 'bytes cannot be kept in another way')
  t.same(await said(() => (root.lines = Array.from({ length: 5000 }, () => 'short'))), [], 'most of it is the bytes')
  root.lines = []
  root.scan = new Uint8Array(0)
  t.same(await said(() => root.lines.push('short')), [])
  const scanned = new Diary()
  scanned.lines = Array.from({ length: 10_000 }, (_, i) => i % 100) as unknown as string[]
  scanned.pages = { '日記': '日'.repeat(24_000) } // prettier-ignore
  const [most] = await said(() => root.map.set(0, scanned))
  t.match(most, /the plain object Diary\.pages: use a PersistentMap/, 'in bytes, not in characters')
  const [first, ...more] = await said(() => root.lines.push('x'.repeat(70_000)))
  t.match(first, /^Diary 1 takes 68 KiB.*the plain array Diary\.lines: use a PersistentList/)
  t.same([more, await said(() => root.lines.push('again'))], [[], []])
  t.same(await said(() => { for (let i = 0; i < 20_000; i++) root.map.set(i, `value ${i}`) }), [], 'a large map is many records') // prettier-ignore
  const [large] = await said(() => root.map.set(1, { text: 'x'.repeat(70_000) }))
  t.match(
    large,
    new RegExp(
      `^A value of PersistentMap ${oidOf(root.map)} takes 68 KiB.* PersistentMap\\.1: use a class that extends`,
    ),
  )
  db.close()
  process.off('warning', listen)
})
