"""What botocore's rules say of Identity Center: for each region of its data, with FIPS and dualstack or without, a line with
the addresses of both services."""

import itertools

from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import create_loader

loader = create_loader()
partitions = loader.load_data('partitions')
services = [loader.load_service_model(name, 'endpoint-rule-set-1') for name in ('sso-oidc', 'sso')]
providers = [EndpointProvider(rules, partitions) for rules in services]
regions = [region for partition in partitions['partitions'] for region in partition['regions'] if '-global' not in region]
for region, fips, dualstack in itertools.product(regions, [False, True], [False, True]):
    urls = [it.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack).url for it in providers]
    print(region, str(fips).lower(), str(dualstack).lower(), *urls)
