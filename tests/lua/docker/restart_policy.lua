-- A crash is what restart policies are for; a kill by the engine is not, and is undone by starting it.
-- needs: docker, root
local one = docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, restart = "always" }
local crash = inject(one:kill("SIGKILL", { crash = true }))
one:wait_status("running", { within = "20s" })
expect("its policy did it", one:inspect().restart_count == 1)
crash:heal()
expect("nothing is left to do", one:inspect().restart_count == 1)

local kill = inject(one:kill())
sleep("500ms")
expect("stays away", one:inspect().status == "exited")
kill:heal()
expect("back", one:inspect().running)
