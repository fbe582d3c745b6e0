// ferretdb ADDRESS FOLDER: FerretDB with its SQLite backend, for tests. The folder must be there; SIGTERM ends it.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// patient formats what is logged when it is written, as FerretDB's own program does: the standard handler does so for each statement
// with all its arguments, though nothing below a warning is written, and that costs a fifth of the server's time.
type patient struct {
	slog.Handler
	attrs []slog.Attr
}

func (p patient) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (p patient) WithAttrs(attrs []slog.Attr) slog.Handler {
	return patient{p.Handler, append(p.attrs[:len(p.attrs):len(p.attrs)], attrs...)}
}

func (p patient) WithGroup(string) slog.Handler {
	return p
}

func (p patient) Handle(ctx context.Context, r slog.Record) error {
	r = r.Clone()
	r.AddAttrs(p.attrs...)
	return p.Handler.Handle(ctx, r)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/",
		Logger:    slog.New(patient{Handler: slog.NewTextHandler(os.Stderr, nil)}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err = server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
