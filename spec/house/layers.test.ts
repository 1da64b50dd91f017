import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { checkFile, checkLayers } from '../../tools/check-layers.js'
import { plainNode } from '../helpers/plain-node.js'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'

t.test('no layer imports one that it must not know', async t => {
  t.same(checkLayers(projectRoot), [])
})

const refused: [file: string, text: string, message: RegExp][] = [
  ['lib/error.ts', `import { x } from './file/disk.js'`, /lib\/error.ts must not know lib\/file\/disk.ts/],
  ['lib/file/disk.ts', `import { x } from '../log/frame.js'`, /must not know lib\/log\/frame.ts/],
  ['lib/log/frame.ts', `import type { X } from '../store/store.js'`, /must not know lib\/store\/store.ts/],
  ['lib/store/store.ts', `export * from '../object/values.js'`, /must not know/],
  ['lib/object/values.ts', `const x = await import('../collection/list.js')`, /must not know/],
  ['lib/collection/list.ts', `type X = import('../index.js').X`, /must not know lib\/index.ts/],
  ['lib/store/store.ts', `import { x } from '../../tools/cli/main.js'`, /tools\/cli\/main.ts belongs to no layer/],
  ['lib/index.ts', `import { x } from './other.js'`, /lib\/other.ts belongs to no layer/],
  ['lib/other/x.ts', ``, /belongs to no layer/],
  ['lib/store/store.ts', `import ts from 'typescript'`, /does not depend on typescript/],
  ['lib/store/store.ts', `import { Command } from 'commander'`, /does not depend on commander/],
  ['lib/log/frame.ts', `import fs from 'node:fs'`, /may import node:fs/],
  ['lib/log/frame.ts', `import fs from 'fs/promises'`, /may import fs\/promises/],
  ['lib/log/frame.ts', `import { setTimeout } from 'node:timers/promises'`, /may import node:timers\/promises/],
  ['lib/log/frame.ts', `import { randomUUID } from 'node:crypto'`, /may import node:crypto/],
  ['lib/log/frame.ts', `const ext = require('fs-ext')`, /may import fs-ext/],
  ['lib/log/frame.ts', `const ext = createRequire(import.meta.url)('fs-ext')`, /may import fs-ext/],
  ['lib/store/store.ts', `const now = Date.now()`, /may use Date.now/],
  ['lib/store/store.ts', `const now = Date['now']()`, /may use Date.now/],
  ['lib/store/store.ts', `const { now } = Date`, /may use Date.now/],
  ['lib/store/store.ts', `const now = globalThis.Date.now()`, /may use Date.now/],
  ['lib/store/store.ts', `const now = new Date()`, /may use the clock/],
  ['lib/store/store.ts', `const now = performance.now()`, /may use performance/],
  ['lib/store/store.ts', `const now = process.hrtime.bigint()`, /may use process.hrtime/],
  ['lib/store/store.ts', `const x = Math.random()`, /may use Math.random/],
  ['lib/store/store.ts', `const x = crypto.randomUUID()`, /may use crypto/],
  ['lib/store/store.ts', `setTimeout(f, 1)`, /may use setTimeout/],
  ['lib/store/store.ts', `globalThis.setTimeout(f, 1)`, /may use setTimeout/],
  ['lib/store/store.ts', `const disk = { setInterval }`, /may use setInterval/],
  ['lib/store/store.ts', `Atomics.wait(a, 0, 0)`, /may use Atomics.wait/],
  ['tools/cli/main.ts', `import { x } from '../../spec/helpers/child.js'`, /must not know spec\/helpers\/child.ts/],
  ['tools/cli/main.ts', `import { Packr } from 'msgpackr'`, /does not depend on msgpackr/],
]
for (const [file, text, message] of refused) {
  t.test(`${file} is refused: ${text || 'a folder that is no layer'}`, async t => {
    const findings = checkFile(file, text)
    t.equal(findings.length, 1)
    t.match(findings[0], { file, line: 1, message })
  })
}

const allowed: [file: string, text: string][] = [
  ['lib/file/disk.ts', `import fs from 'node:fs'; setTimeout(f, Date.now() - performance.now() + Math.random())`],
  ['lib/file/disk.ts', `import { x } from '../error.js'; import { y } from './lock.js'`],
  ['lib/index.ts', `export * from './error.js'; export * from './collection/list.js'`],
  [
    'lib/store/store.ts',
    `import { join } from 'node:path'; import { Packr } from 'msgpackr/pack'; import crc from 'crc-32'`,
  ],
  ['lib/store/store.ts', `disk.setTimeout(f); interface Disk { setTimeout(): void; random: typeof Math.random }`],
  ['lib/store/store.ts', `const f = (crypto: Cipher, performance: number) => crypto.x + performance`],
  [
    'lib/store/store.ts',
    `const d = new Date(time); const day = Date.UTC(2000, 1); const s = 'Date.now()' // Math.random()`,
  ],
  ['lib/store/store.ts', `type Timer = ReturnType<typeof setTimeout>`],
  [
    'tools/cli/main.ts',
    `import fs from 'node:fs'; import { open } from '../../lib/index.js'; import { Command } from 'commander'`,
  ],
  ['tools/cli/main.ts', `import { verify } from '../../lib/store/verify.js'; setTimeout(f, 1)`],
]
for (const [file, text] of allowed) {
  t.test(`${file} may say: ${text}`, async t => {
    t.same(checkFile(file, text), [])
  })
}

t.test('the command names file and line of each finding and fails', async t => {
  const root = tempDir(t)
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  const command = fileURLToPath(new URL('../../tools/check-layers.js', import.meta.url))
  const run = () => promisify(execFile)(...plainNode(command), { cwd: root })

  write('lib/index.ts', `export * from './error.js'`)
  write('lib/error.ts', '')
  write('tools/cli/main.ts', '')
  await t.resolves(run())

  write('lib/error.ts', `\nexport const x = Math.random()\nexport { y } from './index.js'`)
  await t.rejects(run(), {
    code: 1,
    stderr:
      'lib/error.ts:2: only lib/file/ may use Math.random\nlib/error.ts:3: lib/error.ts must not know lib/index.ts\n',
  })
})
