-- needs: root, netns
-- exit: 3
-- stderr: netfault.blackhole: this would hit the whole loopback, which the machine's own programs need; give a `port`, or `force = true`
inject(netfault.blackhole(netfault.host(), { interface = "lo", direction = "both" }))
