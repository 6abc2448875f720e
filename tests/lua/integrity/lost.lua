-- An acknowledged write that is lost fails the run.
-- exit: 5
-- stderr: 1 of 2 acknowledged writes are lost: b
local ledger = integrity.ledger()
ledger:note("a", "1", true)
ledger:note("b", "2", true)
ledger:verify { a = "1" }
