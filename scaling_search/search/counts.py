"""Our cost model against an independent witness: what run.yaml notes of it."""

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.search.record import CountRecord


def count_record(name: str, network: Network) -> CountRecord:
    """MACs of convolutions and linear layers by our count, and by fvcore's of the built module.

    Args:
        name: what run.yaml calls the network.
        network: it is built on the CPU, so it should not be enormous.
    """
    from scaling_search.networks.recount import check_counts

    try:
        found = check_counts(network)
    except InvalidInput as error:  # fvcore cannot trace it: that is a note, not the end of a search
        return CountRecord(network=name, ours=network.cost().macs, fvcore=None, note=str(error))
    note = "" if found.agrees else found.sentence
    return CountRecord(network=name, ours=found.ours, fvcore=found.fvcore, note=note)
