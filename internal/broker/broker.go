// Package broker connects to Kafka, creates and checks weir's topics, and starts an embedded broker where no cluster is
// given.
package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	dialLimit       = 10 * time.Second // one attempt to connect
	defaultClientID = "weir"
)

// Mechanisms of SASL.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// Config says how to reach a cluster.
type Config struct {
	Brokers  []string // seeds, host:port
	ClientID string   // "" for weir

	TLS         bool
	CA          string // PEM file of the authorities that sign the brokers' certificates; "" for the system's
	Certificate string // PEM file of our own certificate; "" for none
	Key         string // PEM file of its key

	Mechanism string // of SASL; "" for none
	User      string
	Password  string
}

// Validate reports the first thing that would keep every connection from being made: a missing seed, an unreadable
// certificate, an unknown mechanism.
func (c Config) Validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("brokers: want at least one host:port")
	}
	for _, address := range c.Brokers {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("brokers: %q: want host:port: %w", address, err)
		}
	}
	if !c.TLS && (c.CA != "" || c.Certificate != "" || c.Key != "") {
		return errors.New("brokers: certificates are given but TLS is off")
	}
	if _, err := c.tls(); err != nil {
		return err
	}
	_, err := c.sasl()
	return err
}

// Options are what every client of the cluster is made with. Of a Config that Validate refuses, the clients' connections
// fail with the same error.
func (c Config) Options(log *slog.Logger) []kgo.Opt {
	id := c.ClientID
	if id == "" {
		id = defaultClientID
	}
	options := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(id), kgo.WithLogger(logger{log}),
		// A client that is closed right after it was given partitions ends its fetch session while a fetch still uses it: a
		// data race in franz-go 1.22. Sessions spare consumers of many partitions the list of them; ours read a few.
		kgo.DisableFetchSessions()}
	mechanism, err := c.sasl()
	if mechanism != nil {
		options = append(options, kgo.SASL(mechanism))
	}
	secure, tlsErr := c.tls()
	err = errors.Join(err, tlsErr)
	return append(options, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := &net.Dialer{Timeout: dialLimit}
		switch {
		case err != nil:
			return nil, err
		case secure != nil:
			return (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, network, address)
		default:
			return dialer.DialContext(ctx, network, address)
		}
	}))
}

// tls is the configuration of connections, nil for plain ones.
func (c Config) tls() (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("brokers: certificate authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("brokers: certificate authorities: %s holds no PEM certificate", c.CA)
		}
	}
	if c.Certificate != "" || c.Key != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("brokers: client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (c Config) sasl() (sasl.Mechanism, error) {
	switch c.Mechanism {
	case "":
		return nil, nil
	case Plain:
		return plain.Auth{User: c.User, Pass: c.Password}.AsMechanism(), nil
	case ScramSHA256:
		return scram.Auth{User: c.User, Pass: c.Password}.AsSha256Mechanism(), nil
	case ScramSHA512:
		return scram.Auth{User: c.User, Pass: c.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("brokers: SASL mechanism %q: want %s, %s or %s", c.Mechanism, Plain, ScramSHA256, ScramSHA512)
}
