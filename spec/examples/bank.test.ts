import { join } from 'node:path'
import t from 'tap'
import { openBank } from '../../examples/bank/model.js'
import { tempDir } from '../helpers/temp-dir.js'
import { numbers, runExample } from './run-example.js'

const TRANSFERS = 2 * 100 // by two tellers

t.test('two tellers transfer at the same time, and neither money nor a booking is lost', async t => {
  const folder = tempDir(t)
  let bookings = 1 // each account is opened with one
  for (let day = 1; day <= 2; day++) {
    const printed = await runExample(folder, 'bank/main')
    const refusals = [
      ...printed.matchAll(/^teller \d+: 100 transfers, (\d+) refused, \d+ repeated after a conflict$/gm),
    ]
    t.equal(refusals.length, 2)
    bookings += TRANSFERS - refusals.reduce((sum, [, refused]) => sum + Number(refused), 0)

    const [ada = NaN, adas] = numbers(printed, /^ada: (\d+) after (\d+) bookings$/m)
    const [bob = NaN, bobs] = numbers(printed, /^bob: (\d+) after (\d+) bookings$/m)
    t.same([adas, bobs], [bookings, bookings], 'every transfer is booked once in each account')
    t.equal(ada + bob, 200)
    t.match(printed, /^in all 200$/m)
  }

  const db = openBank(join(folder, 'bank.db'))
  t.teardown(() => db.close())
  for (const { balance, history } of db.root.accounts.values()) {
    t.equal(
      balance,
      history.reduce((sum, { amount }) => sum + amount, 0),
    )
    t.ok(history.every(({ at }) => at instanceof Date))
  }
})
