// Loaded before tap's own modules in each process of a test file (see .taprc). tap would note every module that the process imports, by
// way of a thread of its own, and read all their source maps at its end, for coverage and `tap --changed`: nothing here uses
// that, and it is half of a short test's time.
const noHooks = { register: () => undefined, registerHooks: () => undefined }
Object.assign(process.getBuiltinModule('node:module'), noHooks)
process.env.__TAPJS_PROCESSINFO_TESTING_NO_REGISTER__ = String(process.pid)
