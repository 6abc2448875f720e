-- needs: root, netns
-- exit: 4
-- stderr: netfault.blackhole: there is no namespace rchaos-nowhere
inject(netfault.blackhole(netfault.namespace("rchaos-nowhere")))
