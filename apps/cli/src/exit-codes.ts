/**
 * What the process ends with. `command run` and `--wait` end with the remote command's own code, a followed rollout with
 * whether it completed everywhere; Fleetwire's codes are
 * those of sysexits.h (64–78), which commands rarely use, and those of timeout(1) and the shell where these say it best.
 * Whenever the code isn't the remote command's own, a line on stderr begins with "fleetwire:" and says why.
 */
export const exitCodes = {
  ok: 0,
  incomplete: 1,
  usage: 64,
  refused: 65,
  notFound: 66,
  unreachable: 69,
  internal: 70,
  tryAgain: 75,
  notAllowed: 77,
  settings: 78,
  timeout: 124,
  notRun: 125,
  detached: 130,
  closedPipe: 141,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `Exit codes

    0  done; for "command run" and --wait: the command completed; for a followed rollout: it did on every agent
    1  for a followed rollout: on some agent it did not complete
  1–255  "command run" and --wait: the remote command's own exit code
   64  the command line is wrong (see --help)
   65  the server refused the input (it says why)
   66  no such command, rollout, agent or token
   69  the server can't be reached, or what answered isn't a command-server
   70  a bug in this program
   75  try again: the server is busy or its database is away; or --timeout was over before the command ended
   77  not allowed: no token, or one that may not do this
   78  the credentials file can't be used (unreadable, not JSON, or open to others)
  124  the command ended as timeout: its time limit was over, or no start was reported
  125  the command ended without an exit code: cancelled, expired, or it couldn't be run
  130  detached by Ctrl-C, in "command run" by the second; the command or rollout goes on
  141  the reader of our output went away (as SIGPIPE does)

A remote command can end with any of these numbers itself. Where it matters, read "status" and "result.exitCode" from
--json instead; when the code is not the remote command's own, a line on stderr begins with "fleetwire:".
`;
