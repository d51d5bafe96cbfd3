package bucket

import (
	"fmt"
	"time"

	"tocsin/internal/awsclient"
	"tocsin/internal/publish"
)

// callTimeout is how long one try of one call may take.
const callTimeout = 2 * time.Second

// FromEnv returns where the files of the pages are, as the environment of a function says:
//
//	SITE_DIR     a folder, for the local gateway; else
//	SITE_BUCKET  the name of a bucket, in the region AWS_REGION, which is called with the
//	             credentials that Lambda sets, at S3_ENDPOINT, AWS_ENDPOINT_URL_S3 or
//	             AWS_ENDPOINT_URL if one of them is set
//
// With neither there is no place, and it returns nil.
func FromEnv(getenv func(string) string) (publish.Port, error) {
	if dir := getenv("SITE_DIR"); dir != "" {
		folder, err := publish.OpenFolder(dir)
		if err != nil {
			return nil, fmt.Errorf("SITE_DIR: %w", err)
		}
		return folder, nil
	}
	name := getenv("SITE_BUCKET")
	if name == "" {
		return nil, nil
	}
	cfg := awsclient.Config(getenv, awsclient.NewHTTPClient(callTimeout))
	return New(NewClient(cfg, awsclient.Endpoint(getenv, "S3")), name), nil
}
