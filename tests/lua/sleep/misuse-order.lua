-- exit: 3
-- stderr: sleep: the first duration must not be the longer one; write sleep("200ms", "800ms")
sleep("800ms", "200ms")
