// Which errors are the system's, and what is said about them.
import { constants } from 'node:os'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { DiskError } from '../../lib/error.js'
import { adviceOn, asDiskError, isSystemError, provesNothing } from '../../lib/file/disk-error.js'

const { EDQUOT } = constants.errno

/** As Node makes them of errors of the system. */
function systemError(code: string, errno: number, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: said the system, ${syscall}`), { code, errno, syscall })
}

const full = systemError('ENOSPC', -28, 'write')
/** Node knows the number only. */
const noQuota = systemError(`Unknown system error ${-EDQUOT}`, -EDQUOT, 'fdatasync')
const corrupted = systemError('Unknown system error -117', -117, 'fsync')
const ofAnotherRealm = Object.assign(runInNewContext("new Error('ENOENT: said the system')") as Error, {
  code: 'ENOENT',
  errno: -2,
  syscall: 'open',
})
const notAllowed = Object.assign(new Error('fsync API is disabled'), { code: 'ERR_ACCESS_DENIED' })

t.test("errors of the system are told from Node's and from others, whether or not they have a name", t => {
  for (const error of [full, noQuota, corrupted, ofAnotherRealm]) {
    t.ok(isSystemError(error), error.message)
    t.match(asDiskError('a.db', error), { name: 'DiskError', code: 'DISK', cause: error })
  }
  for (const error of [notAllowed, new Error('EIO'), new DiskError('a.db', full), 'EIO'])
    t.notOk(isSystemError(error), String(error))
  t.match(adviceOn(noQuota), /quota/)
  t.equal(adviceOn(full), undefined)
  t.end()
})

t.test('a failed fsync proves nothing only if the disk was not asked', t => {
  for (const error of [full, noQuota, corrupted, new Error('EIO'), undefined])
    t.notOk(provesNothing(error), String(error))
  for (const error of [notAllowed, systemError('EACCES', -13, 'open')]) t.ok(provesNothing(error), error.message)
  t.end()
})
