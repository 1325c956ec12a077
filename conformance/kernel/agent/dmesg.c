/* What the kernel complained of, from /dev/kmsg: one record per read, "level,sequence,time,flags;text\n" (Documentation/ABI). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define MAX_SPLATS 8
#define MAX_SPLAT_LINES 60

static int kmsg = -1;

/* At the start of a message. "WARNING:" only there: boot prints "Spectre V2 : WARNING: Unprivileged eBPF is enabled". */
static const char *const HEADS[] = { "WARNING: ", "BUG: ", "Oops: ", "INFO: task ", "INFO: rcu", "UBSAN: ", "------------[ cut here" };
static const char *const ANYWHERE[] = {
	"verifier bug", "REG INVARIANTS VIOLATION", "kernel BUG at", "general protection fault", "self-detected stall", "detected stalls",
	"soft lockup", "unable to handle", "stack-protector", "KASAN", "KFENCE", "KCSAN", "divide error", "invalid opcode", "int3:",
	"scheduling while atomic", "sleeping function called", "RCU nest depth", "bad: ", "BPF verifier error",
};

void open_dmesg(void)
{
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
}

static bool is_splat(const char *text)
{
	for (size_t i = 0; i < sizeof(HEADS) / sizeof(*HEADS); i++)
		if (!strncmp(text, HEADS[i], strlen(HEADS[i])))
			return true;
	for (size_t i = 0; i < sizeof(ANYWHERE) / sizeof(*ANYWHERE); i++)
		if (strstr(text, ANYWHERE[i]))
			return true;
	return false;
}

u32 put_splats(struct buf *out)
{
	static char record[8192];
	static struct buf text;
	u32 count = 0, lines = 0;
	size_t count_at = out->len;

	put_u32(out, 0);
	text.len = 0;
	while (kmsg >= 0) {
		ssize_t n = read(kmsg, record, sizeof(record) - 1);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: records were overwritten before we came; go on with the oldest there is */
		if (n <= 0)
			break;
		record[n] = 0;
		char *message = strchr(record, ';');
		if (!message++)
			continue;
		message[strcspn(message, "\n")] = 0;
		bool starts = is_splat(message);
		if (starts && lines == 0 && count + (text.len > 0) < MAX_SPLATS)
			lines = MAX_SPLAT_LINES;
		if (lines) {
			put(&text, message, strlen(message));
			put(&text, "\n", 1);
			lines--;
			if (strstr(message, "end trace") || lines == 0) {
				put_blob(out, text.data, text.len);
				text.len = lines = 0;
				count++;
			}
		}
	}
	if (text.len) {
		put_blob(out, text.data, text.len);
		count++;
	}
	set_u32(out, count_at, count);
	return count;
}
