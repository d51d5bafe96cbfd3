package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"tocsin/internal/ddb"
	"tocsin/internal/local"
)

const (
	defaultPort = "3000"
	localTable  = "tocsin"
)

// newLocalClient returns a client for an engine on this machine, which takes any
// credentials.
func newLocalClient(endpoint string, options ...func(*dynamodb.Options)) *dynamodb.Client {
	return ddb.NewClient(aws.Config{
		Region:      local.Region,
		Credentials: credentials.NewStaticCredentialsProvider(local.Region, local.Region, ""),
	}, endpoint, options...)
}

// newLocalStreams is newLocalClient for the streams of tables.
func newLocalStreams(endpoint string) *dynamodbstreams.Client {
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: local.Region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(local.Region, local.Region, ""),
	})
}

// dataDir is where the server on a port keeps its things, so that two on two ports
// run side by side.
func dataDir(dir string, port int) string { return filepath.Join(dir, "data", strconv.Itoa(port)) }

// lockData makes the data folder of a port one server's own, until it ends, in whatever way,
// or calls unlock. The lock is on a file beside the folder, which stays: FRESH=1 deletes the
// folder, and who opened a deleted lock file would hold another lock than who opens it next.
func lockData(dir string, port int) (unlock func(), err error) {
	data := dataDir(dir, port)
	if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
		return nil, fmt.Errorf("folder for the data: %w", err)
	}
	file, err := os.OpenFile(data+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data: %w", err)
	}
	if err = lock(file); err == nil {
		return func() { file.Close() }, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the data of port %d, in %s, is another server's that runs: stop it, or choose another port, for instance PORT=%d", port, data, port+1)
	}
	return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
}

// keyFile is where the key of the first run is kept.
func keyFile(dir string, port int) string { return filepath.Join(dataDir(dir, port), "key") }

func endpointFile(dir string, port int) string { return filepath.Join(dataDir(dir, port), "endpoint") }

// siteDirFile says where the files of the public pages are.
func siteDirFile(dir string, port int) string { return filepath.Join(dataDir(dir, port), "site-dir") }

// writeEndpoint tells other commands where the engine of the server on this port
// is. The returned function takes it back.
func writeEndpoint(dir string, port int, endpoint string) (remove func(), err error) {
	return tell(endpointFile(dir, port), endpoint)
}

// tellSiteDir tells other commands where the files of the public pages of the server on this port
// are.
func tellSiteDir(dir string, port int, folder string) (remove func(), err error) {
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, fmt.Errorf("folder of the public pages: %w", err)
	}
	return tell(siteDirFile(dir, port), folder)
}

// tell writes a line for other commands into a file. The returned function takes it back.
func tell(file, line string) (remove func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("folder for the data: %w", err)
	}
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("writing where things are: %w", err)
	}
	return func() { os.Remove(file) }, nil
}

// readSiteDir returns the folder with the files of the pages of the server on this port.
func readSiteDir(dir string, port int) (string, error) {
	text, err := os.ReadFile(siteDirFile(dir, port))
	if err != nil {
		return "", fmt.Errorf("reading where the files of the pages are: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// readEndpoint returns where the engine of the server on this port is, and makes
// sure that it is there: the file outlives a server that was killed.
func readEndpoint(dir string, port int) (string, error) {
	notRunning := fmt.Errorf("nothing serves on port %d: start it with make run, or name its port with --port", port)
	text, err := os.ReadFile(endpointFile(dir, port))
	if errors.Is(err, fs.ErrNotExist) {
		return "", notRunning
	}
	if err != nil {
		return "", fmt.Errorf("reading where the engine is: %w", err)
	}
	endpoint := strings.TrimSpace(string(text))
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("reading where the engine is: %w", err)
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	conn, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return "", notRunning
	}
	conn.Close()
	return endpoint, nil
}

func parsePort(s string) (int, error) {
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("the port must be a number from 0 to 65535 (0: any free one), not %q", s)
	}
	return int(port), nil
}

// isLoopback reports whether the address can only be this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
