// Asks AWS who it is, again and again with one client, by the AWS SDK for Go and its default chain of credentials.
//
// usage: who COUNT PAUSE-IN-MILLISECONDS
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func number(at int) int {
	value, err := strconv.Atoi(os.Args[at])
	if err != nil {
		fail(err)
	}
	return value
}

func main() {
	count, pause := number(1), time.Duration(number(2))*time.Millisecond
	ctx := context.Background()
	// This release knows no AWS_ENDPOINT_URL.
	resolver := aws.EndpointResolverWithOptionsFunc(func(_, region string, _ ...interface{}) (aws.Endpoint, error) {
		return aws.Endpoint{URL: os.Getenv("AWS_ENDPOINT_URL"), SigningRegion: region}, nil
	})
	settings, err := config.LoadDefaultConfig(ctx, config.WithEndpointResolverWithOptions(resolver))
	if err != nil {
		fail(err)
	}
	client := sts.NewFromConfig(settings)
	for n := 0; n < count; n++ {
		if n > 0 {
			time.Sleep(pause)
		}
		answer, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			fail(err)
		}
		fmt.Println(*answer.Arn)
	}
}
