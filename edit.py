def postprocess(network):
    for layer in network:
        for i in range(layer.num_outputs):
            if layer.get_output(i).name == "r1":
                network.mark_output(layer.get_output(i))

def postprocess_config(builder, network, config):
    config.builder_optimization_level = 0
