// One of the processes at work: transfers money at random, and says how often it had to begin again.
import { openBank } from './model.js'

const [path = 'bank.db', times = '100'] = process.argv.slice(2)
const db = openBank(path)
let runs = 0
let refused = 0

for (let n = 0; n < Number(times); n++) {
  try {
    db.transact(function transfer(bank) {
      runs++
      const [from, to] = Math.random() < 0.5 ? ['ada', 'bob'] : ['bob', 'ada']
      const amount = Math.ceil(Math.random() * 50)
      bank.account(from).book(-amount) // throws if there is not enough: then nothing of this transfer is done
      bank.account(to).book(amount)
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    refused++
  }
}
db.close()
console.log(
  `teller ${process.pid}: ${times} transfers, ${refused} refused, ${runs - Number(times)} repeated after a conflict`,
)
