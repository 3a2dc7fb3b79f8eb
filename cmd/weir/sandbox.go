package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

// newSandboxCommand serves the sandbox PSP by itself.
func newSandboxCommand() *cobra.Command {
	cfg := sandbox.Config{Addr: "127.0.0.1:8090"}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the sandbox PSP: test tokens for every outcome, webhooks included",
		Long: "Serve the sandbox PSP. The card token of an authorization decides what happens; GET /v1/tokens lists them,\n" +
			"and /buttons is a page to decide, repeat and disturb things by hand.\n" +
			"The webhook secret may come from WEIR_SANDBOX_WEBHOOK_SECRET, the API key from WEIR_SANDBOX_API_KEY.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.WebhookSecret == "" {
				cfg.WebhookSecret = os.Getenv("WEIR_SANDBOX_WEBHOOK_SECRET")
			}
			if cfg.APIKey == "" {
				cfg.APIKey = os.Getenv("WEIR_SANDBOX_API_KEY")
			}
			cfg.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serveSandbox(ctx, cmd, cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.Addr, "addr", cfg.Addr, "address to listen on")
	flags.StringVar(&cfg.DataDir, "data-dir", "", "directory that keeps the state over restarts; without it the state is in memory")
	flags.StringVar(&cfg.APIKey, "api-key", "", "bearer token that callers must show; none admits everyone")
	flags.StringVar(&cfg.WebhookURL, "webhook-url", "", "where events are delivered, such as http://127.0.0.1:8080/webhooks/sandbox")
	flags.StringVar(&cfg.WebhookSecret, "webhook-secret", "", "base64 key that signs the events, at least 24 bytes")
	flags.BoolVar(&cfg.WebhookAlways, "webhook-always", false, "send an event for every operation, not only where the token asks for one")
	flags.IntVar(&cfg.MaxPayments, "max-payments", 0, "payments kept; the oldest settled ones are forgotten above it (default 200000)")
	flags.DurationVar(&cfg.Latency, "latency", 0, "how long every answer takes")
	flags.DurationVar(&cfg.SlowLatency, "slow-latency", 0, "how long tok_slow takes (default 2s)")
	flags.DurationVar(&cfg.Hang, "hang", 0, "how long a timeout token keeps the connection (default 1m)")
	flags.DurationVar(&cfg.SettleDelay, "settle-delay", 0, "when a pending operation settles (default 1s)")
	flags.DurationVar(&cfg.LateDelay, "late-delay", 0, "when a late webhook is sent (default 5s)")
	return cmd
}

func serveSandbox(ctx context.Context, cmd *cobra.Command, cfg sandbox.Config) error {
	server, err := sandbox.Start(cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "sandbox PSP at %s (tokens: %s/v1/tokens, buttons: %s/buttons)\n", server.URL(), server.URL(), server.URL())
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, server.Close())
}
