-- exit: 3
-- stderr: sleep: 5 has no unit; write "5ms" or "5s"
sleep(5)
