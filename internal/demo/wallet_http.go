package demo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/segmentio/encoding/json"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/topics"
)

// walletClients is how many HTTP clients act on wallets at a time.
const walletClients = 32

// runWallets plays the players of the HTTP side, each as one client would: a request after the other.
func (c *checkout) runWallets(ctx context.Context, players []*player) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(walletClients)
	for _, p := range players {
		if !p.overHTTP {
			continue
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			if err := c.playWallet(ctx, p); err != nil {
				c.board.problem("wallet of %s (%s): %v", p.customer, p.story, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (c *checkout) playWallet(ctx context.Context, p *player) error {
	base := "/v1/wallets/" + p.customer
	holds := map[*move]string{}
	for _, m := range p.moves {
		path, fields := m.request(holds[m.on])
		body, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		status, answer, err := c.send(ctx, http.MethodPost, base+path, m.command.CommandID, body)
		if err != nil {
			return err
		}
		if status == http.StatusAccepted || status >= http.StatusInternalServerError {
			return fmt.Errorf("POST %s: %d %s", path, status, answer)
		}
		if p.twice {
			again, repeated, err := c.send(ctx, http.MethodPost, base+path, m.command.CommandID, body)
			if err != nil {
				return err
			}
			if again != status || !bytes.Equal(repeated, answer) {
				return fmt.Errorf("POST %s: repeated with its key: %d %s, at first %d %s", path, again, repeated, status, answer)
			}
			c.board.repeated()
		}
		var change struct {
			CommandID string             `json:"command_id"`
			Error     topics.RefusalCode `json:"error"`
		}
		if err := json.Unmarshal(answer, &change); err != nil {
			return fmt.Errorf("answer %q: %w", answer, err)
		}
		if change.Error != m.refusal {
			return fmt.Errorf("POST %s: %d %s, should be refused: %q", path, status, answer, m.refusal)
		}
		holds[m] = change.CommandID
	}
	return nil
}

// request is a move as the API takes it; hold is the id of the hold that it is about.
func (m *move) request(hold string) (path string, fields map[string]any) {
	c := &m.command
	fields = map[string]any{}
	if c.Amount > 0 {
		fields["amount"], fields["currency"] = c.Amount, c.Currency
	}
	if c.Reason != "" {
		fields["reason"] = c.Reason
	}
	if c.RequestedBy != "" {
		fields["requested_by"] = c.RequestedBy // the API key approves
	}
	if m.expires {
		fields["expires_at"] = time.Now().UTC().Add(holdFor)
	}
	switch c.Type {
	case topics.WalletRollbackRound:
		return "/rounds/" + c.RoundID + "/rollback", fields
	case topics.WalletCaptureHold:
		return "/holds/" + hold + "/capture", fields
	case topics.WalletReleaseHold:
		return "/holds/" + hold + "/release", fields
	case topics.WalletClose:
		return "/close", fields
	}
	if c.RoundID != "" {
		fields["round_id"] = c.RoundID
	}
	return "/" + string(c.Type) + "s", fields
}
