/** What goes wrong with a PyTorch file. */
import { ShinsakuError } from '../errors.ts'

export const invalid = (path: string, problem: string, cause?: unknown): ShinsakuError =>
  new ShinsakuError('PYTORCH_INVALID', `${path} is not a PyTorch checkpoint that can be read: ${problem}`, {
    cause,
    details: { path, problem },
  })

export const refused = (path: string, name: string): ShinsakuError =>
  new ShinsakuError(
    'PICKLE_REFUSED',
    `${path} names ${JSON.stringify(name)}, which a file of tensors does not need; nothing of it was executed`,
    {
      hint: 'Only tensors, numbers, texts, lists and dictionaries are read. If you trust the file, save its state_dict() alone with torch.save.',
      details: { path, name },
    },
  )
