import t from 'tap'
import { CorruptLogError, DiskError, StoreNotFoundError } from '../../lib/error.js'
import { EXIT, explain, Refusal } from '../../tools/cli/exit-code.js'

function systemError(code: string, errno: number, path?: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code, errno, syscall: 'write', path })
}

t.test('an error of the disk names the file, whether or not the system does', async t => {
  const full = systemError('ENOSPC', -28)
  t.same(explain(new DiskError('/a.db', full)), { exitCode: EXIT.couldNot, message: '/a.db: no space left on device' })
  const other = systemError('EACCES', -13, '/b.db')
  t.same(explain(new DiskError('/a.db', other)), { exitCode: EXIT.couldNot, message: '/b.db: permission denied' })
  t.same(explain(full), { exitCode: EXIT.couldNot, message: 'no space left on device' })
  const own = Object.assign(new Error('ENOSPC: the disk takes no more bytes'), { code: 'ENOSPC' })
  t.same(explain(new DiskError('/a.db', own)), {
    exitCode: EXIT.couldNot,
    message: '/a.db: ENOSPC: the disk takes no more bytes',
  })
})

t.test('typed errors speak for themselves', async t => {
  const damage = new CorruptLogError('/a.db', 1, 1, 'damaged')
  t.same(explain(damage), { exitCode: EXIT.no, message: damage.message })
  t.same(explain(new StoreNotFoundError('/a.db')).exitCode, EXIT.no)
  t.match(explain(new Refusal(EXIT.usage, 'no')), { exitCode: EXIT.usage, message: 'no' })
})

t.test('of a mistake in the tool it is told where it was made', async t => {
  const { exitCode, message, trace } = explain(new TypeError('x is not\na function'))
  t.same([exitCode, message], [EXIT.couldNot, 'TypeError: x is not\na function'])
  t.match(trace, /^ {4}at /)
  t.same(explain('thrown'), { exitCode: EXIT.couldNot, message: 'thrown' })
})
