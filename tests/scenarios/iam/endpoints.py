"""What botocore's rules say of IAM: for each region of its data, with FIPS and dualstack or without, a line with the address
and the region that is signed for."""

import itertools

from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import create_loader

loader = create_loader()
rules = loader.load_service_model('iam', 'endpoint-rule-set-1')
partitions = loader.load_data('partitions')
provider = EndpointProvider(rules, partitions)
regions = [region for partition in partitions['partitions'] for region in partition['regions'] if '-global' not in region]
for region, fips, dualstack in itertools.product(regions, [False, True], [False, True]):
    endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack)
    signed = endpoint.properties['authSchemes'][0]['signingRegion']
    print(region, str(fips).lower(), str(dualstack).lower(), endpoint.url, signed)
