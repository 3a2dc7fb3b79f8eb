package broker_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
)

func TestValidateNamesWhatIsWrong(t *testing.T) {
	seeds := []string{"localhost:9092"}
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config broker.Config
		want   string // "" for no error
	}{
		{broker.Config{Brokers: seeds}, ""},
		{broker.Config{Brokers: seeds, TLS: true, Mechanism: broker.ScramSHA512, User: "u", Password: "p"}, ""},
		{broker.Config{}, "at least one"},
		{broker.Config{Brokers: []string{"localhost"}}, `"localhost"`},
		{broker.Config{Brokers: seeds, CA: notPEM}, "TLS is off"},
		{broker.Config{Brokers: seeds, TLS: true, CA: notPEM}, notPEM},
		{broker.Config{Brokers: seeds, TLS: true, CA: notPEM + ".missing"}, notPEM + ".missing"},
		{broker.Config{Brokers: seeds, TLS: true, Certificate: notPEM, Key: notPEM}, "client certificate"},
		{broker.Config{Brokers: seeds, Mechanism: "KERBEROS"}, `"KERBEROS"`},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Validate(%+v) = %v, want it to contain %q", c.config, err, c.want)
		}
	}
}

func TestOptionsAuthenticate(t *testing.T) {
	for _, mechanism := range []string{broker.Plain, broker.ScramSHA256, broker.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(mechanism, "weir", "s3cret"))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			config := broker.Config{Brokers: cluster.ListenAddrs(), Mechanism: mechanism, User: "weir", Password: "s3cret"}
			if err := ping(t, config); err != nil {
				t.Errorf("with the right password: %v", err)
			}
			config.Password = "other"
			if err := ping(t, config); err == nil {
				t.Error("a wrong password was taken")
			}
		})
	}
}

func ping(t *testing.T, config broker.Config) error {
	t.Helper()
	client, err := kgo.NewClient(append(config.Options(slog.New(slog.DiscardHandler)), kgo.RetryTimeout(time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return client.Ping(ctx)
}
